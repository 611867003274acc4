/** Rules by path pattern (`services.*.build.args`), looked up step by step while a tree is walked. */
export type RuleTree<T> = { rule?: T; next: Map<string, RuleTree<T>> };

export function ruleTree<T>(patterns: Readonly<Record<string, T>>): RuleTree<T> {
  const root: RuleTree<T> = { next: new Map() };
  for (const [pattern, rule] of Object.entries(patterns)) {
    let tree = root;
    for (const part of pattern.split(".")) {
      let child = tree.next.get(part);
      if (child === undefined) {
        child = { next: new Map() };
        tree.next.set(part, child);
      }
      tree = child;
    }
    tree.rule = rule;
  }
  return root;
}

/** The rules below `key`; `undefined` when no pattern goes there. */
export function stepInto<T>(tree: RuleTree<T> | undefined, key: string): RuleTree<T> | undefined {
  return tree?.next.get(key) ?? tree?.next.get("*");
}
