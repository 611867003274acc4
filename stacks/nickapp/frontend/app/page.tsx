import { Market } from "../components/market";

export default function Page() {
  return <Market />;
}
