import { join } from "node:path";
import { edgeStartFailed } from "../../errors.ts";

/** Where one HAProxy edge keeps its files. All of them are private to the account that runs it. */
export type Layout = {
  folder: string;
  config: string;
  /** Candidate of a reload: checked by HAProxy before it takes the place of `config`. */
  candidate: string;
  state: string;
  lua: string;
  adminSocket: string;
  masterSocket: string;
  filesSocket: string;
  /** Where an old worker hands requests to its successor; `.tls` and listener names are added. */
  handoverSocket: string;
  filesPid: string;
  supervisorPid: string;
  log: string;
  certificates: string;
  certificateList: string;
  trusted: string;
  maps: { routes: string; pools: string; sticky: string; tokens: string; version: string };
};

/** Socket addresses hold 108 bytes (unix(7)); HAProxy needs some of them for its temporary names. */
const longestSocketPath = 90;

/** Paths below `<home>/edge-haproxy`. Throws when the home folder's name is too long for a unix socket. */
export function layoutOf(home: string): Layout {
  const folder = join(home, "edge-haproxy");
  const at = (name: string) => join(folder, name);
  if (Buffer.byteLength(at("next.0123456789ab")) > longestSocketPath || /[\s"'#\\$|%]/.test(folder))
    throw edgeStartFailed(`the folder ${folder} is too long for a unix socket or has unusual characters`);
  return {
    folder,
    config: at("haproxy.cfg"),
    candidate: at("candidate.cfg"),
    state: at("state.json"),
    lua: at("roadstead.lua"),
    adminSocket: at("admin.sock"),
    masterSocket: at("master.sock"),
    filesSocket: at("files.sock"),
    handoverSocket: at("next"),
    filesPid: at("files.pid"),
    supervisorPid: at("supervisor.pid"),
    log: at("edge.log"),
    certificates: at("certificates"),
    certificateList: at("certificates.list"),
    trusted: at("trusted.list"),
    maps: {
      routes: at("routes.map"),
      pools: at("pools.map"),
      sticky: at("sticky.map"),
      tokens: at("tokens.map"),
      version: at("version.map"),
    },
  };
}
