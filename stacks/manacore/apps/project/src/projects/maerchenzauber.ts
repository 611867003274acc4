import { z } from "zod";
import { defineProject } from "../project.js";

const word = z.string().trim().min(1).max(60);

/** A fairy tale from a hero, a place and a wish. */
export const maerchenzauber = defineProject(
  "maerchenzauber",
  z.object({ hero: word, place: word, wish: word }),
  ({ hero, place, wish }) => ({
    title: `${hero} and the ${wish}`,
    tale: [
      `Once upon a time ${hero} lived in ${place}, and longed for nothing but ${wish}.`,
      `Three doors stood in ${place}; behind the first was gold, behind the second was sleep.`,
      `${hero} knocked at the third, and there it was: ${wish}. They lived happily ever after.`,
    ].join("\n"),
  }),
);
