import { execFileSync } from "node:child_process";

/** Removes the images that Roadstead built for a stack on Docker: taking a stack down keeps them. */
export function removeImages(stack: string): void {
  const filter = `reference=roadstead/${stack}-*`;
  const format = "{{.Repository}}:{{.Tag}}";
  const listed = execFileSync("docker", ["images", "--filter", filter, "--format", format], {
    encoding: "utf8",
  });
  const images = listed.split("\n").filter((line) => line !== "");
  if (images.length > 0) execFileSync("docker", ["image", "rm", "-f", ...images], { stdio: "ignore" });
}
