import type { ChangesView } from "../../../../src/api/contract/pages.ts";
import { shortDigest } from "../../ui/format.ts";

type Value = ChangesView["resources"][number];

/** What differs between two releases; values of secrets are not among it. */
export function Changes({ changes }: { changes: ChangesView }) {
  const { services, resources, images, files } = changes;
  const count = services.length + resources.length + images.length + files.length;
  if (changes.from === undefined) return <p className="quiet">The first release: everything in it is new.</p>;
  if (count === 0)
    return (
      <p className="quiet">Nothing differs from v{changes.from.number}: the same settings and images.</p>
    );
  return (
    <div className="diff">
      {images.length > 0 && <Group title="Images" values={images} />}
      {services.map(({ service, change, values, settings }) => (
        <Group
          key={service}
          title={change === "changed" ? service : `${service}: ${change}`}
          values={[...values, ...settings]}
          prefix={`services.${service}.`}
        />
      ))}
      {resources.length > 0 && <Group title="Networks, volumes, secrets, configs" values={resources} />}
      {files.length > 0 && <Group title="Versions of secrets and configs" values={files} />}
    </div>
  );
}

function Group({ title, values, prefix = "" }: { title: string; values: readonly Value[]; prefix?: string }) {
  return (
    <div>
      <h3>{title}</h3>
      {values.map(({ path, from, to }) => (
        <div key={path} className="change">
          <div className="small quiet mono">{path.replace(prefix, "")}</div>
          {from !== undefined && (
            <del>
              <span className="sr">before: </span>
              {shortDigest(from)}
            </del>
          )}
          {to !== undefined && (
            <ins>
              <span className="sr">now: </span>
              {shortDigest(to)}
            </ins>
          )}
        </div>
      ))}
    </div>
  );
}
