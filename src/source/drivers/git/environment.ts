/** git without the operator's own settings, prompts or hooks: the same everywhere. */
export function gitEnvironment(): Record<string, string> {
  const { PATH = "/usr/bin:/bin", HOME = "/", SSL_CERT_FILE, GIT_SSL_CAINFO } = process.env;
  return {
    PATH,
    HOME,
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    ...(SSL_CERT_FILE === undefined ? {} : { SSL_CERT_FILE }),
    ...(GIT_SSL_CAINFO === undefined ? {} : { GIT_SSL_CAINFO }),
  };
}
