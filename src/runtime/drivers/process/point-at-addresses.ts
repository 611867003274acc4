/** Service name (or alias) -> the address that its peers reach it at. */
export type AddressBook = ReadonlyMap<string, string>;

const hostVariable = /(HOSTS?|HOSTNAME|SERVERS?|ADDR|ADDRESS|ENDPOINTS?|BROKERS?)$/i;
/** Its own bind address or name, never a peer. */
const ownVariable = /^(HOST|HOSTNAME)$/i;
/** `redis:7` is an image there, and `api:1234` a password. */
const opaqueVariable = /(IMAGE|TAG|VERSION|PASS|PASSWORD|PASSWD|SECRET|TOKEN|KEY|AUTH|CREDENTIALS?)$/i;

/**
 * Replaces service names by addresses where a configuration value means a place on the network:
 * the host of any URL in it, `name:port` as a whole or in a list, `host=name` of a connection string, and a bare
 * name in a variable that is named for a host (`DB_HOST`). Only a whole host name counts: `api.example.com`,
 * `db-2` and paths stay as they are; so do user names, passwords and ports.
 */
export function pointAtAddresses(variable: string, value: string, book: AddressBook): string {
  if (book.size === 0) return value;
  const withUrls = pointUrls(value, book);
  if (withUrls !== value || opaqueVariable.test(variable)) return withUrls;
  const withParameters = pointParameters(value, book);
  if (withParameters !== value) return withParameters;
  return pointList(variable, value, book);
}

/** The authority of a URL, after its user information: one host, or several (`mongodb://a:1,b:2/db`). */
function pointUrls(value: string, book: AddressBook): string {
  return value.replace(
    /([a-z][a-z0-9+.-]*:\/\/)((?:(?!,\s*[a-z][a-z0-9+.-]*:\/\/)[^/?#\s"'<>\\])*)/gi,
    (_whole, scheme: string, authority: string) => {
      const at = authority.lastIndexOf("@") + 1;
      const hosts = authority.slice(at).split(",");
      return scheme + authority.slice(0, at) + hosts.map((host) => pointHost(host, book, "*")).join(",");
    },
  );
}

/** libpq, ODBC and ADO.NET style: `host=db port=5432`, `Server=db;Database=x`, `postgres:///x?host=db`. */
function pointParameters(value: string, book: AddressBook): string {
  return value.replace(
    /(^|[\s?&;])((?:host|server|data source)\s*=\s*)([A-Za-z0-9_.-]+)(?=$|[\s&;,:])/gi,
    (_whole, before: string, key: string, name: string) => before + key + (book.get(name) ?? name),
  );
}

function pointList(variable: string, value: string, book: AddressBook): string {
  const bare = hostVariable.test(variable) && !ownVariable.test(variable);
  const items = value.split(",");
  const pointed = items.map((item) => pointHost(item, book, bare ? "*" : "+"));
  // A list in which only some items name a service is no list of hosts.
  const known = items.every((item, index) => pointed[index] !== item || /^\s*[\w.-]+:\d+\s*$/.test(item));
  return known || bare ? pointed.join(",") : value;
}

/** `name:port` with an optional path; without a port only if `ports` is `*`. */
function pointHost(text: string, book: AddressBook, ports: "*" | "+"): string {
  const match = /^(\s*)([A-Za-z0-9_.-]+)(:\d+)?(\/\S*)?(\s*)$/.exec(text);
  const address = book.get(match?.[2] ?? "");
  if (!match || address === undefined || (match[3] === undefined && ports === "+")) return text;
  return `${match[1]}${address}${match[3] ?? ""}${match[4] ?? ""}${match[5]}`;
}
