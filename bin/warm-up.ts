/**
 * Loads what the control plane and the edge load, so that their compiled form is kept (NODE_COMPILE_CACHE, set by
 * scripts/setup.sh): the first start is then as small and quick as every later one.
 */
await Promise.all([
  import("./control-plane.ts"),
  import("./drivers.ts"),
  import("../src/runtime/drivers/process.ts"),
  import("../src/runtime/drivers/docker.ts"),
  import("../src/edge/drivers/embedded.ts"),
  import("../src/edge/drivers/haproxy.ts"),
  import("../src/build/drivers/process.ts"),
  import("../src/build/drivers/docker.ts"),
]);
