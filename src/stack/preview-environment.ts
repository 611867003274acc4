/** Environments of pull requests and of branches that are looked at for a while: they come and go by themselves. */
export function isPreviewEnvironment(environment: string): boolean {
  return /^(pr-\d{1,10}|preview-[a-z0-9][a-z0-9-]{0,49})$/.test(environment);
}

/** The environment whose variables and settings all previews of a stack share. */
export const previewTemplate = "preview";
