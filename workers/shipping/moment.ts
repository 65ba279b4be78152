// This is the moment of a call: variables are read once for it, even when the answer has to wait for a module. All
// functions of a file that use nothing but the file's own variables share one reading of them.
import { type CodeInspection, type Inspection, inspect, type Scope } from "./inspector.ts";

/** What the inspections made for one call have shown. */
export interface CallMoment {
  inspect(fn: object): Inspection;
  /** Whether what was seen of a function depends on the moment: it closes over more than its module. */
  isFleeting(fn: object): boolean;
}

type Place = Omit<CodeInspection, "scopes">;

/** Functions known to use variables of their module only. */
const places = new WeakMap<object, Place>();

export function newMoment(): CallMoment {
  const inspections = new Map<object, Inspection>();
  const moduleScopes = new Map<string, Scope>();
  return {
    inspect(fn) {
      let inspection = inspections.get(fn) ?? inspectAgain(fn, moduleScopes);
      if (!inspection) {
        inspection = inspect(fn);
        if (inspection.kind === "code") noteModuleScope(inspection, moduleScopes);
      }
      inspections.set(fn, inspection);
      return inspection;
    },
    isFleeting(fn) {
      const inspection = inspections.get(fn);
      return (
        inspection?.kind === "code" &&
        inspection.scopes.some(({ kind }) => !/^(Module|Script|Global)$/.test(kind))
      );
    },
  };
}

/** Notes where a function was written, when it uses variables of its module only. */
export function noteModuleOnly(
  fn: object,
  { kind, scriptId, line, column, scopes }: CodeInspection,
  names: readonly string[],
): void {
  if (places.has(fn)) return;
  const holders = new Set(names.map((name) => scopes.find(({ variables }) => name in variables)));
  if ([...holders].every((scope) => scope?.kind === "Module"))
    places.set(fn, { kind, scriptId, line, column });
}

function inspectAgain(fn: object, moduleScopes: ReadonlyMap<string, Scope>): CodeInspection | undefined {
  const place = places.get(fn);
  const scope = place && moduleScopes.get(place.scriptId);
  return scope && { ...place, scopes: [scope] };
}

function noteModuleScope({ scriptId, scopes }: CodeInspection, moduleScopes: Map<string, Scope>): void {
  const scope = scopes.find(({ kind }) => kind === "Module");
  if (scope) moduleScopes.set(scriptId, scope);
}
