import { useEffect, useState } from "react";
import type { Api, Language } from "./api.ts";

type Props = { api: Api; current: string | null; onChosen: () => void };

export function LanguagesPage({ api, current, onChosen }: Props) {
  const [languages, setLanguages] = useState<Language[]>([]);
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    api.languages().then(setLanguages, (error: Error) => setProblem(error.message));
  }, [api]);
  const choose = (code: string) =>
    api.chooseLanguage(code).then(onChosen, (error: Error) => setProblem(error.message));
  return (
    <section>
      <h1>Choose a language</h1>
      {problem && <p role="alert">{problem}</p>}
      {languages.map(({ code, name, nativeName }) => (
        <button key={code} type="button" aria-pressed={code === current} onClick={() => choose(code)}>
          {nativeName} <small>{name}</small>
        </button>
      ))}
    </section>
  );
}
