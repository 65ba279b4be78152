// This is what modules export of the package that `ownexports` may not import, as that would be a cycle.
const added: Record<string, unknown>[] = [];

export function addOwnExports(exports: Record<string, unknown>): void {
  added.push(exports);
}

export function addedExports(): object {
  return Object.assign({}, ...added);
}
