import { schemaServiceKeys } from "./schema.ts";

/** Every key that the Compose Specification gives a service, from its schema. */
export const serviceKeys: readonly string[] = schemaServiceKeys;
