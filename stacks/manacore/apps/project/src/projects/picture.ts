import { createHash } from "node:crypto";
import { z } from "zod";
import { defineProject } from "../project.js";

/** A picture from a prompt: circles whose places and colours follow from its hash, as SVG. */
export const picture = defineProject(
  "picture",
  z.object({ prompt: z.string().trim().min(1).max(400) }),
  ({ prompt }) => {
    const bytes = createHash("sha256").update(prompt).digest();
    const circles = Array.from({ length: 8 }, (_, index) => {
      const [x = 0, y = 0, radius = 0, hue = 0] = bytes.subarray(index * 4, index * 4 + 4);
      const colour = `hsl(${Math.round((hue / 255) * 360)} 70% 60% / 0.7)`;
      return `<circle cx="${x}" cy="${y}" r="${8 + radius / 4}" fill="${colour}"/>`;
    });
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256">${circles.join("")}</svg>`;
    return { prompt, svg };
  },
);
