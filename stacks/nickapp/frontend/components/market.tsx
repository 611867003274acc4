"use client";

import { type FormEvent, useEffect, useRef, useState } from "react";
import { call, type Deal, money, type Purchase } from "../lib/api";
import { useSession } from "./session";

export function Market() {
  const { person } = useSession();
  const [requests, setRequests] = useState<Purchase[]>([]);
  const [deals, setDeals] = useState<Deal[]>([]);
  const [balance, setBalance] = useState(0);
  const [problem, setProblem] = useState("");
  const description = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    call<{ requests: Purchase[] }>("/requests")
      .then((answer) => setRequests(answer.requests))
      .catch((error: Error) => setProblem(error.message));
  }, []);
  useEffect(() => {
    if (!person) return;
    call<{ deals: Deal[]; balanceCents: number }>("/deals")
      .then((answer) => {
        setDeals(answer.deals);
        setBalance(answer.balanceCents);
      })
      .catch((error: Error) => setProblem(error.message));
  }, [person]);

  const create = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    try {
      const made = await call<Purchase>("/requests", {
        json: {
          title: form.get("title"),
          description: form.get("description"),
          budgetCents: Math.round(Number(form.get("budget")) * 100),
        },
      });
      location.assign(`/requests/${made._id}`);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : "not created");
    }
  };
  const draft = async (title: string) => {
    try {
      const { text } = await call<{ text: string }>("/assist/describe", { json: { title } });
      if (description.current) description.current.value = text;
    } catch (error) {
      setProblem(error instanceof Error ? error.message : "no draft");
    }
  };

  return (
    <>
      <p role="alert">{problem}</p>
      {person ? (
        <>
          <p>
            Your balance: <b data-testid="balance">{money(balance)}</b>
          </p>
          <form onSubmit={create} aria-label="New request">
            <input name="title" placeholder="What do you need?" aria-label="Title" required />{" "}
            <input name="budget" placeholder="Budget in $" aria-label="Budget" inputMode="decimal" required />
            <textarea name="description" ref={description} aria-label="Description" rows={3} cols={50} />
            <button
              type="button"
              onClick={(event) =>
                draft(String(new FormData(event.currentTarget.form ?? undefined).get("title")))
              }
            >
              Draft
            </button>{" "}
            <button type="submit">Ask for it</button>
          </form>
          <h2>Your deals</h2>
          <ul data-testid="deals">
            {deals.map((deal) => (
              <li key={deal._id}>
                <a href={`/deals/${deal._id}`}>{deal.title}</a> {money(deal.cents)}
              </li>
            ))}
          </ul>
        </>
      ) : null}
      <h2>Wanted</h2>
      <ul data-testid="requests">
        {requests.map((request) => (
          <li key={request._id}>
            <a href={`/requests/${request._id}`}>{request.title}</a> up to {money(request.budgetCents)}
          </li>
        ))}
      </ul>
    </>
  );
}
