import type { Account } from "$lib/server/auth-service";

declare global {
  namespace App {
    interface Locals {
      user?: Account;
      manaToken?: string;
    }
  }
}
