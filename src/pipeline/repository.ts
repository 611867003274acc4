/** The files of one commit; whoever has them injects them. Paths are relative to the repository, with slashes. */
export type Repository = {
  list(): readonly string[];
  /** `undefined`: no such file, or not a text. */
  readText(path: string): string | undefined;
};

/** The folder of a file, `.` for the root. */
export function folderOf(path: string): string {
  const at = path.lastIndexOf("/");
  return at < 0 ? "." : path.slice(0, at);
}

/** Whether a path, itself a folder or a file, lies in a folder or is that folder. */
export function isInside(path: string, folder: string): boolean {
  return folder === "." || path === folder || path.startsWith(`${folder}/`);
}
