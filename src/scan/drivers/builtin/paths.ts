/** What a path says about its file, the same in a repository and in an image. */

const toolNames = /^(?:gcc|g\+\+|cc|c\+\+|clang|make|cmake|ninja|python[23]?(?:\.\d+)?)$/;
const toolFolders = /^(?:usr\/)?(?:local\/)?s?bin\/([^/]+)$/;
const vendored = /(?:^|\/)(?:node_modules|site-packages|dist-packages|vendor\/bundle|\.pnpm|\.yarn)\//;
const system =
  /^(?:usr\/(?:local\/)?(?:lib|lib64|libexec|share|include|bin|sbin)|lib|lib64|bin|sbin|boot|proc|sys|dev|var\/(?:lib\/(?:dpkg|apt|pacman)|cache)|lib\/apk)\//;
const examples = /\.(?:example|sample|template|dist|defaults?|schema)$/;

/** `.env`, `.env.production`, `prod.env`; not `.env.example`. */
export function isEnvFile(path: string): boolean {
  const name = baseName(path);
  return (/^\.env(?:\..+)?$/.test(name) || /^[\w-]+\.env$/.test(name)) && !examples.test(name);
}

/** `.env` proper: what has no business in an image. */
export function isDotEnv(path: string): boolean {
  return /^\.env(?:\..+)?$/.test(baseName(path)) && isEnvFile(path);
}

export function isBuildTool(path: string): boolean {
  const [, name] = toolFolders.exec(path) ?? [];
  return name !== undefined && toolNames.test(name);
}

/** Came with a dependency. */
export function isVendored(path: string): boolean {
  return vendored.test(path);
}

/** Belongs to the image's operating system: nobody's secrets, and most of an image's files. */
export function isSystemFile(path: string): boolean {
  return system.test(path) && !vendored.test(path);
}

/** Lock files are full of hashes, and a package registry wrote them. */
export function isLockFile(path: string): boolean {
  return /^(?:package-lock\.json|pnpm-lock\.yaml|yarn\.lock|bun\.lockb?|Cargo\.lock|go\.sum|poetry\.lock)$/.test(
    baseName(path),
  );
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
