import { fromNodeHeaders } from "better-auth/node";
import { type Request, type RequestHandler, type Response, Router } from "express";
import { z } from "zod";
import type { Auth } from "../auth.ts";
import type { Database } from "../database/connect.ts";
import {
  chooseLanguage,
  chosenLanguage,
  listLanguages,
  nextCard,
  saveAnswer,
  summarise,
} from "./study-store.ts";

const choice = z.strictObject({ code: z.string().min(2).max(8) });
const answerBody = z.strictObject({
  id: z.uuid(),
  cardId: z.string().min(1).max(32),
  known: z.boolean(),
});

type Person = { id: string; name: string; email: string };

/** Languages for everybody; the rest for whoever is signed in, each person's own. */
export function studyRoutes(db: Database, auth: Auth): Router {
  const router = Router();
  router.get("/languages", async (_request, response) => {
    response.json(await listLanguages(db));
  });
  router.get("/me", async (request, response) => {
    const person = await whoAsks(auth, request);
    const language = person ? await chosenLanguage(db, person.id) : null;
    response.json({ user: person ?? null, language });
  });
  router.put(
    "/me/language",
    signedIn(auth, async (person, request, response) => {
      const body = choice.safeParse(request.body);
      if (!body.success) return refuse(response, body.error);
      if (!(await chooseLanguage(db, person.id, body.data.code)))
        return void response.status(404).json({ code: "LANGUAGE_UNKNOWN", message: "no such language" });
      response.json({ language: body.data.code });
    }),
  );
  router.get(
    "/study",
    signedIn(auth, async (person, _request, response) => {
      const language = await chosenLanguage(db, person.id);
      if (language === null)
        return void response
          .status(409)
          .json({ code: "LANGUAGE_MISSING", message: "choose a language first" });
      const now = new Date();
      const [card, summary] = await Promise.all([
        nextCard(db, person.id, language, now),
        summarise(db, person.id, language, now),
      ]);
      response.json({ card: card ?? null, summary });
    }),
  );
  router.post(
    "/study/answers",
    signedIn(auth, async (person, request, response) => {
      const body = answerBody.safeParse(request.body);
      if (!body.success) return refuse(response, body.error);
      if (!(await saveAnswer(db, person.id, body.data, new Date())))
        return void response.status(404).json({ code: "CARD_UNKNOWN", message: "no such card" });
      response.status(204).end();
    }),
  );
  return router;
}

async function whoAsks(auth: Auth, request: Request): Promise<Person | undefined> {
  const found = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
  if (!found) return undefined;
  const { id, name, email } = found.user;
  return { id, name, email };
}

type PersonalHandler = (person: Person, request: Request, response: Response) => Promise<void>;

function signedIn(auth: Auth, handle: PersonalHandler): RequestHandler {
  return async (request, response) => {
    const person = await whoAsks(auth, request);
    if (person) return handle(person, request, response);
    response.status(401).json({ code: "SIGNED_OUT", message: "sign in first" });
  };
}

function refuse(response: Response, error: z.ZodError): void {
  response.status(400).json({ code: "BODY_WRONG", message: z.prettifyError(error) });
}
