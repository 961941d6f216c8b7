/** Sets how util.inspect() of Node shows the instances of a class. */
export function inspectAs<Instance extends object>(prototype: Instance, show: (instance: Instance) => unknown): void {
  Object.defineProperty(prototype, Symbol.for("nodejs.util.inspect.custom"), {
    value(this: Instance) {
      return show(this);
    },
  });
}
