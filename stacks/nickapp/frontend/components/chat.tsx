"use client";

import { type FormEvent, useEffect, useRef, useState } from "react";
import { io, type Socket } from "socket.io-client";
import { accessToken, forget } from "../lib/api";

type Message = { _id: string; fromName: string; body: string; sentAt: string };
type Joined = { ok: boolean; messages?: Message[] };

/** A message is sent until it is acknowledged, under one id, so that neither a deploy nor a lost line loses or doubles it. */
export function Chat({ deal, onChange }: { deal: string; onChange: () => void }) {
  const [messages, setMessages] = useState<ReadonlyMap<string, Message>>(new Map());
  const [people, setPeople] = useState<string[]>([]);
  const [connected, setConnected] = useState(false);
  const socket = useRef<Socket>(undefined);
  const changed = useRef(onChange);
  changed.current = onChange;

  useEffect(() => {
    const add = (more: Message[]) =>
      setMessages((known) => new Map([...known, ...more.map((message) => [message._id, message] as const)]));
    const line = io({
      auth: (give) => void accessToken().then((token) => give({ token })),
      retries: 20,
      ackTimeout: 4_000,
      reconnectionDelay: 200,
      reconnectionDelayMax: 2_000,
    });
    socket.current = line;
    line.on("connect", () => {
      setConnected(true);
      line.emit("join", { deal }, (error: Error | null, joined?: Joined) => {
        if (!error && joined?.messages) add(joined.messages);
      });
      changed.current();
    });
    line.on("disconnect", (reason) => {
      setConnected(false);
      // The server ended it: the client does not come back by itself.
      if (reason === "io server disconnect") line.connect();
    });
    line.on("connect_error", (error) => {
      if (error.message !== "UNAUTHORIZED") return;
      forget();
      setTimeout(() => line.connect(), 1_000);
    });
    line.on("message", (message: Message) => add([message]));
    line.on("presence", (presence: { people: { name: string }[] }) =>
      setPeople(presence.people.map(({ name }) => name)),
    );
    line.on("deal", () => changed.current());
    line.on("file", () => changed.current());
    return () => {
      line.close();
    };
  }, [deal]);

  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const body = String(new FormData(form).get("body"));
    socket.current?.emit("message", { deal, id: newId(), body });
    form.reset();
  };
  const sorted = [...messages.values()].sort((a, b) => a.sentAt.localeCompare(b.sentAt));
  return (
    <section aria-label="Chat">
      <p data-testid="presence">{connected ? `Here: ${people.join(", ")}` : "Connecting…"}</p>
      <ul className="chat" data-testid="messages">
        {sorted.map((message) => (
          <li key={message._id}>
            <b>{message.fromName}</b> {message.body}
          </li>
        ))}
      </ul>
      <form onSubmit={send} aria-label="Message">
        <input name="body" aria-label="Message" required autoComplete="off" />{" "}
        <button type="submit">Send</button>
      </form>
    </section>
  );
}

/** `randomUUID` is only there on HTTPS and localhost; random bytes are everywhere. */
const newId = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
