/** Which tools copy it. `bind` is a folder of the host that a service mounts. */
export type SourceKind =
  | "postgres"
  | "mysql"
  | "mongodb"
  | "redis"
  | "sqlite"
  | "volume"
  | "bind"
  | "platform";

/** What its loss means; decides the order of runs and who is told when a backup is late. */
export const priorities = ["critical", "high", "medium", "low"] as const;
export type BackupPriority = (typeof priorities)[number];

/** One thing of a stack whose loss would hurt. */
export type BackupSource = {
  /** Unique in its stack: the service of a database, the key of a volume, else `<service>.<last folder of the path>`. */
  name: string;
  kind: SourceKind;
  priority: BackupPriority;
  /** Services that use it; of a database its own. */
  services: readonly string[];
  /** `volume`, and `sqlite` in one: its key in the Compose file. */
  volume?: string;
  /** `bind`: absolute folder of the host. `sqlite`: the file, below its volume or absolute on the host. */
  path?: string;
  /** Questions in the database's own language that the restored copy must answer with something true. */
  checks: readonly string[];
  /** Run in a replica of the first service around a copy of files, so that they are of one moment. */
  before?: readonly string[];
  after?: readonly string[];
  /** Paths below a volume that stay out, e.g. `cache`. */
  exclude: readonly string[];
};
