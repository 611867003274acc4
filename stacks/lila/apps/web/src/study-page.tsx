import { useCallback, useEffect, useState } from "react";
import type { Api, Card, Study } from "./api.ts";

export function StudyPage({ api }: { api: Api }) {
  const [study, setStudy] = useState<Study>();
  const [problem, setProblem] = useState<string>();
  const load = useCallback(
    () => api.study().then(setStudy, (error: Error) => setProblem(error.message)),
    [api],
  );
  useEffect(() => {
    load();
  }, [load]);
  if (!study) return problem ? <p role="alert">{problem}</p> : <p>One moment …</p>;
  const { card, summary } = study;
  return (
    <section>
      {problem && <p role="alert">{problem}</p>}
      {card ? <CardView key={card.id} api={api} card={card} onDone={load} /> : <h1>Done for now</h1>}
      <p data-testid="progress">
        {summary.studied} of {summary.total} cards studied
      </p>
    </section>
  );
}

function CardView({ api, card, onDone }: { api: Api; card: Card; onDone: () => void }) {
  const [shown, setShown] = useState(false);
  const [problem, setProblem] = useState<string>();
  // One id for this answer, so that pressing again after a lost reply does not count twice.
  const [id] = useState(() => crypto.randomUUID());
  const say = (known: boolean) =>
    api.answer(id, card.id, known).then(onDone, (error: Error) => setProblem(error.message));
  return (
    <>
      <h1 data-testid="card">{card.front}</h1>
      {problem && <p role="alert">{problem}</p>}
      {shown ? (
        <>
          <p data-testid="back">{card.back}</p>
          <button type="button" onClick={() => say(false)}>
            Not yet
          </button>
          <button type="button" onClick={() => say(true)}>
            I knew it
          </button>
        </>
      ) : (
        <button type="button" onClick={() => setShown(true)}>
          Show answer
        </button>
      )}
    </>
  );
}
