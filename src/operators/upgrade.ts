// One node from an opset to a later one: every change that its operator states for the versions between, in order.

import { tensor, type ArrayType, type DataType, type Tensor } from '../base/index.js';
import type { Dim, Node } from '../graph/index.js';
import type { OperatorSet, UpgradeContext } from './define.js';

/** The node in the words of opset `to`: usually one, sometimes several. */
export function upgradeNode(
  node: Node,
  from: number,
  to: number,
  operators: OperatorSet,
  context: UpgradeContext,
): readonly Node[] {
  if (node.domain !== '' || from >= to) return [node];
  let list: readonly Node[] = [node];
  for (let version = from + 1; version <= to; version++)
    if (list.some(one => operators.get('', one.op)?.spec.upgrades?.[version]))
      list = list.flatMap((one): readonly Node[] => {
        const upgrade = operators.get('', one.op)?.spec.upgrades?.[version];
        if (!upgrade) return [one];
        const next = upgrade(one, context);
        return 'op' in next ? [next] : next;
      });
  return list;
}

/** What an upgrade may ask, over any place that names are kept in. `hold` receives its constants. */
export function upgradeContext(
  taken: (name: string) => boolean,
  hold: (name: string, data: Tensor) => void,
  facts: (name: string) => { readonly type?: DataType; readonly shape?: readonly Dim[] } | undefined,
  integersOf: UpgradeContext['integers'],
): UpgradeContext {
  const made = new Set<string>();
  const fresh = (hint: string): string => {
    let name = hint;
    for (let n = 1; made.has(name) || taken(name); n++) name = `${hint}_${n}`;
    made.add(name);
    return name;
  };
  return {
    type: name => facts(name)?.type,
    shape: name => facts(name)?.shape,
    fresh,
    integers: integersOf,
    constant(data, type: ArrayType = 'int64') {
      const name = fresh('upgraded');
      const list = typeof data === 'number' ? [data] : data;
      hold(name, tensor(type, typeof data === 'number' ? [] : [list.length], list));
      return name;
    },
  };
}
