/** Environments of pull requests, of branches that are looked at for a while, and of drills: they come and go by themselves. */
export function isPreviewEnvironment(environment: string): boolean {
  return /^(pr-\d{1,10}|drill-[a-z0-9]{1,40}|preview-[a-z0-9][a-z0-9-]{0,49})$/.test(environment);
}

/** The environment whose variables and settings all previews of a stack share. */
export const previewTemplate = "preview";
