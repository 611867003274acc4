import type { ContentScanner, FolderReport, ImageReport } from "../port.ts";
import { scanFolder } from "./builtin/scan-folder.ts";
import { scanImage } from "./builtin/scan-image.ts";

/** Looks itself, with no program besides this one: the gate is there on every host. */
export class BuiltinScanner implements ContentScanner {
  readonly name = "builtin";

  scanFolder(folder: string, signal: AbortSignal): Promise<FolderReport> {
    return scanFolder(folder, signal);
  }

  scanImage(image: string, archive: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<ImageReport> {
    return scanImage(image, archive, signal);
  }
}
