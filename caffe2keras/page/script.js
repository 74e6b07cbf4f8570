"use strict";
// A graph that can be moved and enlarged: the drawing stays, its viewBox changes.
function graph(frame) {
  const svg = frame.querySelector("svg.net");
  const overview = frame.querySelector("svg.overview");
  const pane = overview.querySelector("rect.window");
  const aside = frame.querySelector("aside");
  const nodes = Array.from(svg.querySelectorAll("g.node"));
  const whole = svg.viewBox.baseVal;
  const net = { w: whole.width, h: whole.height };
  let view = { x: 0, y: 0, scale: 1 }; // scale: pixels for each unit of the drawing
  let chosen = -1;

  const size = () => ({ w: svg.clientWidth || 1, h: svg.clientHeight || 1 });
  const fitting = () => Math.min(size().w / net.w, size().h / net.h);

  function show() {
    const { w, h } = size();
    const width = w / view.scale;
    const height = h / view.scale;
    const hold = (at, part, all) =>
      part >= all ? (all - part) / 2 : Math.min(Math.max(at, -0.1 * part), all - 0.9 * part);
    view.x = hold(view.x, width, net.w);
    view.y = hold(view.y, height, net.h);
    svg.setAttribute("viewBox", [view.x, view.y, width, height].join(" "));
    pane.setAttribute("x", Math.max(view.x, 0));
    pane.setAttribute("y", Math.max(view.y, 0));
    pane.setAttribute("width", Math.min(width, net.w));
    pane.setAttribute("height", Math.min(height, net.h));
    overview.style.display = width >= net.w && height >= net.h ? "none" : "";
  }

  function zoom(factor, at) {
    const { w, h } = size();
    const place = at || { x: w / 2, y: h / 2 };
    const scale = Math.min(Math.max(view.scale * factor, Math.min(fitting(), 1) * 0.8), 4);
    view.x += place.x / view.scale - place.x / scale;
    view.y += place.y / view.scale - place.y / scale;
    view.scale = scale;
    show();
  }

  function all() {
    view = { x: 0, y: 0, scale: Math.min(fitting(), 1.5) };
    show();
  }

  // At first: all of it where that can be read, else its beginning, large enough to read.
  function begin() {
    view = { x: 0, y: 0, scale: Math.min(Math.max(fitting(), 0.75), 1.3) };
    if (nodes.length) {
      const box = nodes[0].querySelector("rect.box").getBBox();
      view.x = box.x + box.width / 2 - size().w / view.scale / 2;
    }
    view.x = net.w * view.scale > size().w ? Math.max(view.x, 0) : view.x;
    show();
  }

  function choose(place, bring) {
    if (chosen >= 0) nodes[chosen].classList.remove("chosen");
    chosen = nodes[place] ? place : -1;
    for (const detail of aside.children) detail.hidden = Number(detail.dataset.detail) !== chosen;
    aside.hidden = chosen < 0;
    if (chosen < 0) return;
    nodes[chosen].classList.add("chosen");
    if (bring) {
      const box = nodes[chosen].querySelector("rect.box").getBBox();
      view.scale = Math.max(view.scale, 0.75);
      view.x = box.x + box.width / 2 - size().w / view.scale / 2;
      view.y = box.y + box.height / 2 - size().h / view.scale / 2;
      show();
    }
  }

  function next(step, wanted) {
    for (let tried = 1; tried <= nodes.length; tried += 1) {
      const from = chosen < 0 && step < 0 ? 0 : chosen;
      const place = (((from + step * tried) % nodes.length) + nodes.length) % nodes.length;
      if (!wanted || nodes[place].dataset.state === wanted) return choose(place, true);
    }
  }

  const actions = {
    in: () => zoom(1.3),
    out: () => zoom(1 / 1.3),
    all,
    next: () => next(1, "different"),
  };
  for (const button of frame.querySelectorAll("button[data-do]")) {
    button.addEventListener("click", actions[button.dataset.do]);
  }

  const far = 80;
  const keys = {
    ArrowLeft: () => { view.x -= far / view.scale; show(); },
    ArrowRight: () => { view.x += far / view.scale; show(); },
    ArrowUp: () => { view.y -= far / view.scale; show(); },
    ArrowDown: () => { view.y += far / view.scale; show(); },
    "+": actions.in, "=": actions.in, "-": actions.out, "0": all,
    n: () => next(1), p: () => next(-1), d: actions.next, Escape: () => choose(-1),
  };
  svg.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });

  // The wheel scrolls the page, until the graph has been clicked.
  svg.addEventListener("wheel", (event) => {
    if (document.activeElement !== svg && !event.ctrlKey) return;
    event.preventDefault();
    const frameOf = svg.getBoundingClientRect();
    const at = { x: event.clientX - frameOf.left, y: event.clientY - frameOf.top };
    zoom(Math.exp(-event.deltaY / 500), at);
  }, { passive: false });

  let drag = null;
  svg.addEventListener("pointerdown", (event) => {
    const node = event.target.closest("g.node");
    drag = { x: event.clientX, y: event.clientY, moved: false, node };
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(dx, dy) < 4) return;
    Object.assign(drag, { x: event.clientX, y: event.clientY, moved: true });
    svg.classList.add("moving");
    view.x -= dx / view.scale;
    view.y -= dy / view.scale;
    show();
  });
  svg.addEventListener("pointerup", () => {
    if (drag && !drag.moved) choose(drag.node ? Number(drag.node.dataset.node) : -1);
    drag = null;
    svg.classList.remove("moving");
  });
  svg.addEventListener("pointercancel", () => { drag = null; svg.classList.remove("moving"); });

  overview.addEventListener("click", (event) => {
    const place = new DOMPoint(event.clientX, event.clientY)
      .matrixTransform(overview.getScreenCTM().inverse());
    view.x = place.x - size().w / view.scale / 2;
    view.y = place.y - size().h / view.scale / 2;
    show();
  });

  new ResizeObserver(show).observe(svg);
  begin();
  return (place) => {
    choose(place, true);
    svg.scrollIntoView({ block: "center" });
    svg.focus({ preventScroll: true });
  };
}

const graphs = new Map();
for (const frame of document.querySelectorAll("div.graph")) {
  graphs.set(frame.dataset.graph, graph(frame));
}
// Marks of the error chart and names in the table lead to their layer in the graph.
for (const link of document.querySelectorAll(".mark[data-node], button[data-node]")) {
  link.addEventListener("click", () => {
    const choose = graphs.get(link.dataset.graph);
    if (choose) choose(Number(link.dataset.node));
  });
}
