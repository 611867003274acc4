import { Tokens } from "../features/access/tokens.tsx";
import { Users } from "../features/access/users.tsx";
import { PageHead } from "../ui/panel.tsx";

/** Who may do what, and with which tokens. */
export function Access() {
  return (
    <>
      <PageHead title="Users and tokens" />
      <Users />
      <Tokens />
    </>
  );
}
