/** Only `npm run db:generate` reads this: it compares the schema with the last migration and writes the next one. */
export default {
  dialect: "postgresql",
  schema: "./src/database/schema.ts",
  out: "./drizzle",
};
