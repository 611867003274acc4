import { PlatformError } from "../lib/platform-error.ts";

const hints = {
  BUILD_NOTHING: "Only services with a `build` section are built.",
  PUSH_NO_REGISTRY:
    "Name one in the stack file: `x-roadstead: {registry: …}`, or `image: {push: …}` of a service.",
  PUSH_NO_TAG: "Give it a version (--tag 1.4.2), or build what is committed: its commit is its version then.",
  PUSH_UNSUPPORTED: "Images with layers come from the docker runtime: roadstead up --runtime docker.",
} as const;

/** A build or push that can't be done as it was asked for. */
export function publishError(code: keyof typeof hints, message: string): PlatformError {
  return new PlatformError(code, message, { hint: hints[code] });
}
