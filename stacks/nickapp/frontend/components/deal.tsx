"use client";

import { type FormEvent, useCallback, useEffect, useState } from "react";
import { call, type Deal, money } from "../lib/api";
import { Chat } from "./chat";
import { useSession } from "./session";

type Invoice = { crypto: string; wallet: string; amount: string };

export function DealPage({ id }: { id: string }) {
  const { person, loading } = useSession();
  const [deal, setDeal] = useState<Deal>();
  const [invoice, setInvoice] = useState<Invoice>();
  const [problem, setProblem] = useState("");
  const attempt = useCallback(async (work: () => Promise<void>) => {
    try {
      setProblem("");
      await work();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : "not done");
    }
  }, []);
  const load = useCallback(
    () => attempt(async () => setDeal(await call<Deal>(`/deals/${encodeURIComponent(id)}`))),
    [attempt, id],
  );
  useEffect(() => {
    if (person) void load();
  }, [load, person]);

  const act = (path: string, json: unknown = {}) =>
    attempt(async () => {
      await call(`/deals/${id}/${path}`, { json });
      await load();
    });
  const dispute = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    void act("dispute", { reason: new FormData(event.currentTarget).get("reason") });
  };
  const upload = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const file = new FormData(event.currentTarget).get("file");
    if (file instanceof File)
      void attempt(async () => {
        await call(`/uploads/evidence?deal=${id}`, { file });
        await load();
      });
  };
  const open = (file: string) =>
    attempt(async () => {
      const { url } = await call<{ url: string }>(`/files/${file}/link`);
      window.open(url, "_blank", "noopener");
    });

  if (!person) return <p>{loading ? "…" : "Sign in to see this deal."}</p>;
  if (!deal) return <p role="alert">{problem}</p>;
  const isParty = person.id === deal.buyer || person.id === deal.seller;
  return (
    <>
      <h1>{deal.title}</h1>
      <p>
        {deal.buyerName} buys from {deal.sellerName} for {money(deal.cents)}:{" "}
        <b data-testid="state">{deal.state}</b>
      </p>
      <p role="alert">{problem}</p>
      {person.id === deal.buyer && deal.state === "awaiting-payment" ? (
        <button
          type="button"
          onClick={() =>
            attempt(async () => setInvoice(await call<Invoice>(`/deals/${id}/pay`, { method: "POST" })))
          }
        >
          Pay into escrow
        </button>
      ) : null}
      {invoice && deal.state === "awaiting-payment" ? (
        <p data-testid="invoice">
          Send {invoice.amount} {invoice.crypto} to <code>{invoice.wallet}</code>. Arrived:{" "}
          {money(deal.paidCents)}
        </p>
      ) : null}
      {person.id === deal.buyer && deal.state === "funded" ? (
        <button type="button" onClick={() => act("release")}>
          Release the money
        </button>
      ) : null}
      {isParty && deal.state === "funded" ? (
        <form onSubmit={dispute} aria-label="Dispute">
          <input name="reason" aria-label="Reason" placeholder="What is wrong?" required />{" "}
          <button type="submit">Dispute</button>
        </form>
      ) : null}
      {deal.state === "disputed" ? (
        <form onSubmit={upload} aria-label="Evidence">
          <input name="file" type="file" aria-label="File" accept="image/*,application/pdf" required />{" "}
          <button type="submit">Add evidence</button>
        </form>
      ) : null}
      {person.role === "arbiter" && deal.state === "disputed" ? (
        <p>
          <button type="button" onClick={() => act("decide", { outcome: "refund" })}>
            Refund the buyer
          </button>{" "}
          <button type="button" onClick={() => act("decide", { outcome: "release" })}>
            Pay the seller
          </button>
        </p>
      ) : null}
      <ul data-testid="files">
        {deal.files.map((file) => (
          <li key={file.id}>
            <button type="button" onClick={() => open(file.id)}>
              {file.kind} {file.type} {file.bytes} bytes
            </button>
          </li>
        ))}
      </ul>
      <Chat deal={id} onChange={load} />
    </>
  );
}
