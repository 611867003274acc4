import { Anchor } from "lucide-react";

/** The mark and the name. */
export function Brand() {
  return (
    <>
      <Anchor size={20} aria-hidden="true" />
      <span>Roadstead</span>
    </>
  );
}
