import type { Metadata } from "next";
import { headers } from "next/headers";
import type { ReactNode } from "react";
import { SessionProvider } from "../components/session";
import "./style.css";

export const metadata: Metadata = { title: "nickapp", description: "Deals with the money in escrow" };

export default async function Layout({ children }: { children: ReactNode }) {
  // Reading the request makes every page dynamic: each answer has a nonce of its own.
  await headers();
  const version = process.env.APP_VERSION ?? "0";
  return (
    <html lang="en">
      <body data-version={version}>
        <header>
          <a href="/">nickapp</a>
        </header>
        <SessionProvider dsn={process.env.SENTRY_PUBLIC_DSN ?? ""} version={version}>
          <main>{children}</main>
        </SessionProvider>
      </body>
    </html>
  );
}
