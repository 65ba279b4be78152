import { AsyncLocalStorage } from "node:async_hooks";
import { channel, subscribe } from "node:diagnostics_channel";
import { isMainThread } from "node:worker_threads";
import { context, propagation, ROOT_CONTEXT, SpanStatusCode, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { BasicTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";

// The worker's channel sets this store, so that what a job does finds its span as the active one.
const store = new AsyncLocalStorage();
context.setGlobalContextManager({
  active: () => store.getStore() ?? ROOT_CONTEXT,
  with: (active, fn, self, ...args) => store.run(active, () => fn.apply(self, args)),
  bind: (_context, target) => target,
  enable() {
    return this;
  },
  disable() {
    return this;
  },
});

const printing = {
  export(spans, done) {
    for (const span of spans) {
      const { traceId, spanId } = span.spanContext();
      const parent = span.parentSpanContext?.spanId ?? "nothing";
      console.log(`trace ${traceId}: ${span.name} is ${spanId}, below ${parent}`);
    }
    done({ code: 0 });
  },
  shutdown: async () => {},
};
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(printing)] }),
);
export const tracer = trace.getTracer("example");

const spans = new Map();
if (isMainThread) {
  subscribe("threadloop:job:submitted", ({ id, name, carrier }) => {
    const span = tracer.startSpan(`job ${name}`, {}, context.active());
    spans.set(id, span);
    propagation.inject(trace.setSpan(context.active(), span), carrier); // travels with the job
  });
} else {
  channel("threadloop:job:started").bindStore(store, ({ id, name, carrier }) => {
    const parent = propagation.extract(ROOT_CONTEXT, carrier);
    const span = tracer.startSpan(`run ${name}`, {}, parent);
    spans.set(id, span);
    return trace.setSpan(parent, span);
  });
}
subscribe("threadloop:job:settled", ({ id, error }) => {
  const span = spans.get(id);
  spans.delete(id);
  if (error !== undefined) span?.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
  span?.end();
});
