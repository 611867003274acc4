import { mkdir } from "node:fs/promises";
import { join } from "node:path";

/** Where the process driver keeps what: the only place that knows these names. */
export type Layout = {
  home: string;
  images: string;
  replicas: string;
  jobs: string;
  logs: string;
  volumes: string;
  run: string;
  tools: string;
  addressRegistry: string;
  volumeRegistry: string;
};

export function layoutOf(home: string): Layout {
  const root = join(home, "process");
  return {
    home,
    images: join(root, "images"),
    replicas: join(root, "replicas"),
    jobs: join(root, "jobs"),
    logs: join(root, "logs"),
    volumes: join(root, "volumes"),
    run: join(root, "run"),
    tools: join(home, "tools"),
    addressRegistry: join(root, "addresses.json"),
    volumeRegistry: join(root, "volumes.json"),
  };
}

/** Servers run as another user than root: they may pass through these folders (0711), and read none of them. */
export async function createLayout(layout: Layout): Promise<void> {
  const passable = [layout.home, join(layout.home, "process"), layout.volumes, layout.run, layout.tools];
  for (const folder of [...passable, layout.images, layout.replicas])
    await mkdir(folder, { recursive: true, mode: 0o711 });
  for (const folder of [layout.jobs, layout.logs]) await mkdir(folder, { recursive: true, mode: 0o700 });
}
