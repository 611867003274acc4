import { PurchasePage } from "../../../components/purchase";

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  return <PurchasePage id={(await params).id} />;
}
