import { DealPage } from "../../../components/deal";

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  return <DealPage id={(await params).id} />;
}
