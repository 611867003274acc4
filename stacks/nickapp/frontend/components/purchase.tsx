"use client";

import { type FormEvent, useCallback, useEffect, useState } from "react";
import { call, money, type Offer, type Purchase } from "../lib/api";
import { useSession } from "./session";

type Detail = Purchase & { offers: Offer[]; dealt: boolean };

export function PurchasePage({ id }: { id: string }) {
  const { person } = useSession();
  const [detail, setDetail] = useState<Detail>();
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
    () => attempt(async () => setDetail(await call<Detail>(`/requests/${encodeURIComponent(id)}`))),
    [attempt, id],
  );
  useEffect(() => {
    void load();
  }, [load]);

  const offer = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const json = { cents: Math.round(Number(form.get("price")) * 100), note: String(form.get("note")) };
    void attempt(async () => {
      await call(`/requests/${id}/offers`, { json });
      await load();
    });
  };
  const accept = (chosen: string) =>
    attempt(async () => {
      await call(`/offers/${chosen}/accept`, { method: "POST" });
      location.assign(`/deals/${id}`);
    });

  if (!detail) return <p role="alert">{problem}</p>;
  return (
    <>
      <h1>{detail.title}</h1>
      <p>{detail.description}</p>
      <p>Up to {money(detail.budgetCents)}</p>
      <p role="alert">{problem}</p>
      <ul data-testid="offers">
        {detail.offers.map((one) => (
          <li key={one._id}>
            {one.sellerName}: {money(one.cents)} {one.note}{" "}
            {person?.id === detail.buyer && !detail.dealt ? (
              <button type="button" onClick={() => accept(one._id)}>
                Accept
              </button>
            ) : null}
          </li>
        ))}
      </ul>
      {detail.dealt ? <a href={`/deals/${id}`}>To the deal</a> : null}
      {person && person.id !== detail.buyer && !detail.dealt ? (
        <form onSubmit={offer} aria-label="Offer">
          <input name="price" placeholder="Price in $" aria-label="Price" inputMode="decimal" required />{" "}
          <input name="note" placeholder="Note" aria-label="Note" /> <button type="submit">Offer</button>
        </form>
      ) : null}
    </>
  );
}
