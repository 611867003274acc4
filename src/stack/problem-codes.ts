/** One stable code of a `Problem`; docs/problems.md is generated from this list, a unit test finds codes without an entry. */
export type ProblemCode = {
  code: string;
  severity: "error" | "warning" | "either";
  /** What is wrong, and what to do about it where the problem's own `fix` needs a word more. */
  meaning: string;
};

const error = (code: string, meaning: string): ProblemCode => ({ code, severity: "error", meaning });
const warning = (code: string, meaning: string): ProblemCode => ({ code, severity: "warning", meaning });
const either = (code: string, meaning: string): ProblemCode => ({ code, severity: "either", meaning });

/** Found while the Compose files are read: what `docker compose config` would refuse as well, with a place and a fix. */
export const loadCodes: readonly ProblemCode[] = [
  error("ALIAS_CYCLE", "A YAML alias stands inside its own anchor."),
  error("CONTAINER_NAME_TAKEN", "Two services have the same `container_name`."),
  error(
    "DEPENDENCY_CYCLE",
    "Services wait for each other in a loop, which the message names; none could ever start.",
  ),
  error("DUPLICATE_ITEM", "A list that must hold each entry once has one twice."),
  error("DUPLICATE_KEY", "A mapping has the same key twice; which one counts would be chance."),
  either("EMPTY_FILE", "A Compose file has no content."),
  error("EXCLUSIVE_KEYS", "Keys that exclude each other are both set."),
  error("EXTENDS_CYCLE", "Services extend each other in a loop."),
  error("EXTENDS_SERVICE_NOT_FOUND", "`extends` names a service that the file does not have."),
  error("EXTERNAL_CONFLICT", "An external resource has keys that only make sense for one that is created."),
  error("FILE_NOT_FOUND", "A Compose, env or label file does not exist."),
  error("INCLUDE_CONFLICT", "An included file defines a resource that is already defined differently."),
  error("INCLUDE_CYCLE", "Files include each other in a loop."),
  error("INVALID_COMMAND", "A command text cannot be split into words, e.g. because a quote is open."),
  error("INVALID_DEVICE", "A device mapping cannot be read."),
  error("INVALID_ENV_FILE", "A line of an env file cannot be read."),
  error("INVALID_HEALTHCHECK", "A health check's test has no form that Compose knows."),
  error(
    "INVALID_INTERPOLATION",
    "An expression that starts with a dollar sign is malformed; write `$$` for a plain dollar sign.",
  ),
  error("INVALID_MERGE_KEY", "`<<` merges something that is no mapping."),
  error("INVALID_NAME", "A name has characters that Compose does not allow."),
  error("INVALID_PORT", "A port mapping cannot be read."),
  error("INVALID_PROJECT_NAME", "The project's name has characters that Compose does not allow."),
  error("INVALID_TYPE", "A value has another type than the Compose Specification asks for."),
  error("INVALID_VALUE", "A value is not one of those that the Compose Specification allows here."),
  error("INVALID_VOLUME", "A volume mapping cannot be read."),
  error("INVALID_YAML", "The file is not valid YAML."),
  error(
    "LIMITS_DIFFER",
    "A limit is set twice, in `deploy.resources` and by the older key, with different values.",
  ),
  error("MERGE_CONFLICT", "Two files give one key values of different types."),
  error("MISSING_KEY", "A required key is missing."),
  error("NAME_CONFLICT", "A resource is given two different names."),
  error("NON_STRING_KEY", "A key of a mapping is not a text; quote it."),
  error("NOT_BUILDABLE", "A build context refers to a service that has no `build`."),
  error("NO_IMAGE", "A service has neither `image` nor `build`."),
  error("PLATFORM_NOT_BUILT", "The service's `platform` is not among `build.platforms`."),
  error(
    "REMOTE_INCLUDE",
    "`include` of a remote file: copy it beside the others, so that a release stays what it was.",
  ),
  warning(
    "SETTINGS_REPLACED",
    "A later file's `x-roadstead` of a service takes away what an earlier file set there: Compose replaces `x-` keys as a whole.",
  ),
  error("UNDEFINED_SERVICE", "A service, network, volume, secret or config is used but not defined."),
  error("UNKNOWN_ANCHOR", "A YAML alias has no anchor before it."),
  error(
    "UNKNOWN_KEY",
    "A key is not part of the Compose Specification or of `x-roadstead`; the message names the nearest one that is.",
  ),
  warning("VARIABLE_NOT_SET", "A variable without default is not set; the text gets nothing in its place."),
  error("VARIABLE_REQUIRED", "A variable marked with `:?` is not set."),
  warning("VERSION_OBSOLETE", "The top-level `version` has no effect."),
  error(
    "YAML_TOO_LARGE",
    "The file is larger, or its aliases multiply to more, than any Compose file needs.",
  ),
];

/** Found while the stack is built: `x-roadstead`, kinds, strategies, ports, routes, probes. */
export const buildCodes: readonly ProblemCode[] = [
  error(
    "CANARY_WITHOUT_TRAFFIC",
    "A canary is judged on its requests, but the edge sends this service none.",
  ),
  error("HEALTH_AMBIGUOUS", "`x-roadstead.health` names more than one of `http`, `tcp` and `exec`."),
  error("INVALID_SETTING", "A value below `x-roadstead` has another form than documented in x-roadstead.md."),
  warning("NO_HEALTH_CHECK", "Nothing says when the service is ready, so an open port has to do."),
  error("PORT_UNKNOWN", "A route, a probe or a web service needs a port, but the file names none."),
  error(
    "PREVIEW_SHARES",
    "A preview would share an external volume or the machine's network with other environments.",
  ),
  error("REPLICAS_SHARE_PORT", "Several replicas would have to bind the same host port."),
  error("ROUTE_TAKEN", "Two services claim the same host and path."),
  error("ROUTE_WITHOUT_WEB", "A route points at a worker or a job, which answers no requests."),
  error("SINGLETON_REPLICAS", "A singleton never runs twice, but several replicas are asked for."),
  error("SITE_MISSING", "Kind `static` and `site` belong together, and one of them is missing."),
  error(
    "STRATEGY_NEEDS_PORT_TWICE",
    "Old and new release would run side by side, but both would bind one host port.",
  ),
  error("STRATEGY_SHARES_DATA", "Two copies of a database would run on one volume."),
  either(
    "UPDATE_MOVING_TAG",
    "A service in production would be updated to whatever is pushed to a moving tag. A warning where only Watchtower's label asks for it: the label is then not followed.",
  ),
  error("UPDATE_WITHOUT_IMAGE", "Updates are asked for, but the service has no image from a registry."),
  error("UPDATE_WITHOUT_VERSION", "Higher versions are asked for, but the image's tag is none."),
  error("UNKNOWN_SERVICE", "`x-roadstead.environments` names a service that does not exist."),
];

/** Valid Compose that would fail, or be unsafe, once it runs. */
export const lintCodes: readonly ProblemCode[] = [
  warning(
    "CHECK_TOOL_MISSING",
    "A health check calls a program that its image is known to lack, e.g. curl in `node:22-alpine`.",
  ),
  warning(
    "CHECK_UNAUTHENTICATED",
    "A health check asks a guarded Redis without its password, and counts the refusal as success.",
  ),
  error(
    "CONNECTIONS_EXCEEDED",
    "Old and new release side by side would open more connections than a database gives; the message has the sum.",
  ),
  error("CONTAINER_NAME_NOT_UNIQUE", "Several replicas cannot share one `container_name`."),
  either("CONTENT_MISSING", "A secret or config has no content; an empty config is only a warning."),
  error("DATABASE_PASSWORD_MISSING", "A database image does not start without a password variable."),
  error("DATABASE_PUBLISHED", "A database would be reachable on a host port in production."),
  warning(
    "DEPENDENCY_NOT_PROBED",
    "A service waits for another to be healthy, but nothing can tell whether it is.",
  ),
  warning("EDGE_PORT_PUBLISHED", "A service publishes a port on which the edge itself listens."),
  either(
    "EMPTY_PASSWORD",
    "A password is empty: an error in production, a warning elsewhere and for other credentials.",
  ),
  error("ENGINE_SOCKET_MOUNTED", "A service would control the container engine, and with it the machine."),
  error("HOST_PORT_TAKEN", "Two services publish the same host port."),
  warning(
    "KEY_IGNORED",
    "A key has no effect here; the stack runs as it would without it. See compose-support.md.",
  ),
  error(
    "KEY_REFUSED",
    "A key cannot be honoured, and ignoring it would change what runs. See compose-support.md.",
  ),
  either(
    "LOCALHOST_ADDRESS",
    "`localhost` with another service's port: in a container that is the container itself. A warning where it may be meant for a browser.",
  ),
  warning("MOVING_TAG", "An image without version in production: a redeploy may run something else."),
  warning("PRIVILEGED_SERVICE", "A service has rights with which it can leave its container."),
  warning(
    "SETTING_WITHOUT_EFFECT",
    "A setting of `x-roadstead` is kept, but this version does not act on it.",
  ),
  error(
    "SHELL_OPERATOR_IN_ARGV",
    "`&&` and the like in an argv list: without a shell the first program gets them as arguments.",
  ),
];

/** Found in `x-roadstead.pipeline`, and in the repository when a pipeline is derived from it. */
export const pipelineCodes: readonly ProblemCode[] = [
  error("JOB_CYCLE", "Jobs of a pipeline need each other in a loop, which the message names."),
  error("JOB_UNKNOWN", "A job needs one that the pipeline does not have."),
  error(
    "LOCK_FILE_MISSING",
    "A package has dependencies but no lock file; every build could get other versions.",
  ),
  error("LOCK_FILE_STALE", "The lock file does not have what `package.json` asks for, or cannot be read."),
  warning(
    "LOCK_FILES_SEVERAL",
    "There are lock files of several package managers; the message names the one that counts.",
  ),
  error("PACKAGE_UNREADABLE", "A `package.json` is not valid."),
  error("STEP_NAME_TAKEN", "Two steps of a job have the same name."),
];

/** Found when a deployment is asked for, with the values of its environment; the check of a file alone can't know them. */
export const deployCodes: readonly ProblemCode[] = [
  error(
    "PUBLIC_VALUE_DENIED",
    "A build argument or a value of a static site would bring an address of a developer's machine, or a switch of development, to production.",
  ),
  error("STACK_NAME_DIFFERS", "The Compose project has another name than the stack that it was sent to."),
  error(
    "SECRET_IN_BUILD",
    "A build argument or a value of a static site holds a secret of the environment; whoever has the image or opens the page can read it.",
  ),
];
