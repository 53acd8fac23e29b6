/** Text measuring and layout of the simulated ScriptUI: how wide controls are, and which of them are cut off. */

export const [LINE, GAP, CHARACTER] = [22, 6, 6.2];

/** As wide as its text, or as it was told to be. */
export function natural(widget) {
    const least = widget.minimumSize?.[0] ?? 0;
    if (widget.preferredSize?.[0] > 0) return Math.max(least, widget.preferredSize[0]);
    if (widget.type === "group" || widget.type === "panel") {
        const inside = shown(widget).map(natural);
        return widget.orientation === "row" ? inside.reduce((a, b) => a + b + GAP, -GAP) : Math.max(0, ...inside);
    }
    const text = widget.text.length * CHARACTER;
    if (widget.type === "button") return Math.max(least, text + 16);
    if (widget.type === "checkbox") return Math.max(least, text + 22);
    if (widget.type === "edittext") return Math.max(least, (widget.characters ?? 20) * CHARACTER + 10);
    if (widget.type === "dropdownlist") return Math.max(60, ...widget.items.map((item) => item.text.length * CHARACTER + 30));
    if (["slider", "listbox", "image", "progressbar"].includes(widget.type)) return Math.max(least, 40);
    return widget.properties.multiline ? Math.max(least, 40) : text + 4;
}

/** What takes room: a hidden control does, unless its greatest size says that it has none. */
export const takesRoom = (widget) => widget.visible || (widget.maximumSize?.[1] ?? 1) > 0;
export const shown = (widget) => widget.children.filter((child) => child.visible && (child.maximumSize?.[1] ?? 1) > 0);

export function widthsInRow(children, width) {
    const isFill = (child) => child.alignment?.[0] === "fill";
    const fixed = children.filter((child) => !isFill(child)).reduce((sum, child) => sum + natural(child), 0);
    const fills = children.filter(isFill).length;
    const room = (width - fixed - GAP * (children.length - 1)) / Math.max(1, fills);
    return children.map((child) => (isFill(child) ? Math.max(child.minimumSize?.[0] ?? 20, room) : natural(child)));
}

/** Gives every control below `container` its width; returns those whose words, or which themselves, are cut off. */
export function layOut(container, width, { filled = true } = {}, clipped = []) {
    const children = shown(container);
    const inner = width - 2 * (container.margins ?? 0);
    const inRow = container.orientation === "row";
    const widths = inRow && filled ? widthsInRow(children, inner) : children.map((child) => (filled && (child.alignment?.[0] ?? container.alignChildren?.[0]) === "fill" ? inner : natural(child)));
    if (filled && inRow && widths.reduce((a, b) => a + b + GAP, -GAP) > inner + 0.5) clipped.push(container);
    children.forEach((child, i) => {
        child.size = [widths[i], child.preferredSize?.[1] > 0 ? child.preferredSize[1] : child.image?.size[1] ?? LINE];
        const wraps = child.properties.multiline || ["listbox", "image", "group", "panel", "slider"].includes(child.type);
        const needed = child.type === "dropdownlist" ? 60 : natural({ ...child, text: child.text, preferredSize: null, minimumSize: null });
        if (filled && !wraps && (widths[i] < needed - 0.5 || widths[i] > inner + 0.5)) clipped.push(child);
        if (child.children.length) layOut(child, widths[i], { filled }, clipped);
    });
    return clipped;
}
