/** Layers of a comp: times, order, switches, masks, parents, copies. */
import { Effect, EffectParade, Group, makeMask, Styles, transformGroup } from "./properties.mjs";

export const TrackMatteType = { NO_TRACK_MATTE: 5012, ALPHA: 5013, ALPHA_INVERTED: 5014, LUMA: 5015, LUMA_INVERTED: 5016 };
export const BlendingMode = { NORMAL: 5212, ADD: 5220 };
export const LayerQuality = { WIREFRAME: 4612, DRAFT: 4613, BEST: 4614 };

// What the timeline shows as a switch, and every copy of a layer keeps.
const SWITCHES = {
    enabled: true, solo: false, shy: false, label: 1, guideLayer: false, motionBlur: false, quality: LayerQuality.BEST, adjustmentLayer: false,
    threeDLayer: false, collapseTransformation: false, effectsActive: true, audioEnabled: true, preserveTransparency: false, frameBlending: false,
    blendingMode: BlendingMode.NORMAL, timeRemapEnabled: false, comment: "", samplingQuality: 1, frameBlendingType: 4012,
};

export function makeLayers(host, Item) {
    class Layer {
        static hostKind = "Layer";
        constructor(comp, name) {
            Object.assign(this, { comp, name, enabled: true, solo: false, locked: false, selected: false, parentLayer: null, id: host.nextId() });
            if (host.version < 22) this.id = undefined;
        }
        get index() { return this.comp.stack.indexOf(this) + 1; }
        get containingComp() { return this.comp; }
        get parent() { return this.parentLayer; }
        set parent(layer) {
            this.needUnlocked();
            this.parentLayer = layer;
        }
        needUnlocked() { if (this.locked) throw new Error("After Effects error: the layer is locked."); }
        remove() {
            this.needUnlocked();
            this.comp.stack.splice(this.index - 1, 1);
            this.isDead = true;
        }
        moveBefore(other) {
            if (other === this) throw new Error("After Effects error: cannot move a layer before itself.");
            if (this.locked || other.locked) throw new Error("After Effects error: a locked layer is in the way.");
            this.comp.stack.splice(this.index - 1, 1);
            this.comp.stack.splice(other.index - 1, 0, this);
        }
        copyInto(comp) {
            const copy = new this.constructor(comp, this.name);
            Object.assign(copy, { enabled: this.enabled, solo: this.solo, locked: this.locked });
            return copy;
        }
    }
    class TextLayer extends Layer { static hostKind = "TextLayer"; }
    class ShapeLayer extends Layer { static hostKind = "ShapeLayer"; }
    class CameraLayer extends Layer { static hostKind = "CameraLayer"; }
    class LightLayer extends Layer { static hostKind = "LightLayer"; }

    class AVLayer extends Layer {
        static hostKind = "AVLayer";
        constructor(comp, source, name) {
            super(comp, name ?? source.name);
            Object.assign(this, SWITCHES, { source, start: 0, speed: 100, nullLayer: false, matteType: TrackMatteType.NO_TRACK_MATTE, matteLayer: null });
            this.groups = [transformGroup(this, source.width, source.height), new Group("ADBE Mask Parade"), Object.assign(new EffectParade("ADBE Effect Parade"), { layer: this }), new Styles("ADBE Layer Styles")];
            this.trimIn = 0;
            this.trimOut = source.duration || comp.duration;
        }
        get hasAudio() { return Boolean(this.source.hasAudio); }
        /** Footage has nothing to collapse. */
        get canSetCollapseTransformation() { return Boolean(this.source?.stack); }
        property(name) { return this.groups.find((group) => group.matchName === name) ?? null; }
        addMask(name, shape, more) {
            const mask = makeMask(this, name, shape, more);
            this.groups[1].children.push(mask);
            return mask;
        }
        /** `layer`: what a parameter such as Set Matte's points to. */
        addEffect(name, { layer = null, expression = "" } = {}) {
            const effect = new Effect(name);
            Object.assign(effect, { layer, expression, owner: this.groups[2] });
            this.groups[2].children.push(effect);
            return effect;
        }
        addStyle(name = "dropShadow/enabled") {
            const style = new Effect(name);
            this.groups[3].children.push(style);
            return style;
        }
        get startTime() { return this.start; }
        set startTime(value) {
            const by = value - this.start;
            this.start = value;
            this.trimIn += by;
            this.trimOut += by;
            this.groups.forEach((group) => group.shift(by)); // keyframes move along
        }
        get stretch() { return this.speed; }
        set stretch(value) {
            const factor = value / this.speed;
            this.speed = value;
            this.trimIn = this.start + (this.trimIn - this.start) * factor;
            this.trimOut = this.start + (this.trimOut - this.start) * factor;
        }
        get extent() {
            const ends = [this.start, this.start + this.source.duration * (this.speed / 100)];
            return this.source.duration && !this.timeRemapEnabled ? [Math.min(...ends), Math.max(...ends)] : [-Infinity, Infinity];
        }
        needOrder(first, last) { if (this.speed > 0 && last - first < 1e-9) throw new Error("After Effects error: the out-point must lie behind the in-point."); }
        get inPoint() { return this.trimIn; }
        set inPoint(value) {
            this.needUnlocked();
            const wanted = Math.max(this.extent[0], value);
            if (wanted >= this.trimOut && this.speed > 0) this.trimOut = this.extent[1]; // the bar is dragged on
            this.needOrder(wanted, this.trimOut);
            this.trimIn = wanted;
        }
        get outPoint() { return this.trimOut; }
        set outPoint(value) {
            this.needUnlocked();
            const wanted = Math.min(this.extent[1], value);
            this.needOrder(this.trimIn, wanted);
            this.trimOut = wanted;
        }
        get trackMatteType() { return this.matteType; }
        set trackMatteType(value) {
            this.needUnlocked();
            this.matteType = value;
            this.matteLayer = value === TrackMatteType.NO_TRACK_MATTE ? null : this.comp.stack[this.index - 2] ?? null;
        }
        setParentWithJump(layer = null) {
            this.needUnlocked();
            this.parentLayer = layer;
        }
        /** The new source's length decides: what was trimmed is trimmed no longer. */
        replaceSource(item) {
            this.needUnlocked();
            this.source = item;
            if (!this.timeRemapEnabled && item.duration) [this.trimIn, this.trimOut] = this.speed < 0 ? [this.extent[1], this.extent[0]] : this.extent;
        }
        copyInto(comp) {
            const copy = new AVLayer(comp, this.source, this.name);
            for (const key of [...Object.keys(SWITCHES), "start", "speed", "trimIn", "trimOut", "locked", "matteType", "nullLayer"]) copy[key] = this[key];
            copy.groups = this.groups.map((group) => group.copyFor(copy));
            copy.groups[2].layer = copy;
            copy.groups[2].children.forEach((effect) => { effect.owner = copy.groups[2]; });
            return copy;
        }
        duplicate() {
            const copy = this.copyInto(this.comp);
            Object.assign(copy, { parentLayer: this.parentLayer, matteLayer: this.matteLayer });
            this.comp.stack.splice(this.index - 1, 0, copy);
            return copy;
        }
        /** As pasting into another comp does: whatever names another layer loses it. */
        copyToComp(comp) {
            const effects = this.groups[2].children;
            const linked = this.parentLayer || effects.some((effect) => effect.layer || effect.expression) || this.groups.some((group) => group.children.some((each) => each.expression));
            if (host.version >= 26 && host.history.depth > 0 && linked && effects.length) {
                throw new Error("After Effects error: a layer with a parent or a link and effects cannot be copied inside an undo group.");
            }
            const copy = this.copyInto(comp);
            copy.matteType = TrackMatteType.NO_TRACK_MATTE;
            copy.groups[2].children.forEach((effect) => { effect.layer = null; });
            comp.stack.unshift(copy);
        }
    }
    // Switches of a locked layer cannot be changed; an adjustment layer stays one.
    for (const key of Object.keys(SWITCHES)) {
        const hidden = `${key}Switch`;
        Object.defineProperty(AVLayer.prototype, key, {
            get() { return this[hidden]; },
            set(value) {
                if (key === "collapseTransformation" && value && !this.canSetCollapseTransformation) throw new Error("After Effects error: the switch cannot be set for footage.");
                if (hidden in this && key !== "label" && key !== "comment") this.needUnlocked();
                this[hidden] = value;
                // Switching time remapping off brings the source's own length back.
                if (key === "timeRemapEnabled" && !value && this.source?.duration && this.groups) [this.trimIn, this.trimOut] = this.extent;
            },
        });
    }
    if (host.version >= 23) {
        Object.defineProperty(AVLayer.prototype, "trackMatteLayer", { get() { return this.matteLayer; } });
        AVLayer.prototype.setTrackMatte = function setTrackMatte(layer, type) {
            this.needUnlocked();
            this.matteLayer = layer;
            this.matteType = type;
        };
        AVLayer.prototype.removeTrackMatte = function removeTrackMatte() {
            this.matteLayer = null;
            this.matteType = TrackMatteType.NO_TRACK_MATTE;
        };
    }
    return { Layer, TextLayer, ShapeLayer, CameraLayer, LightLayer, AVLayer, ...makeComps(host, Item, AVLayer) };
}

function makeComps(host, Item, AVLayer) {
    class LayerCollection {
        static hostKind = "LayerCollection";
        constructor(comp) { this.comp = comp; }
        get length() { return this.comp.stack.length; }
        add(item) {
            const layer = new AVLayer(this.comp, item);
            this.comp.stack.unshift(layer);
            return layer;
        }
    }

    class CompItem extends Item {
        static hostKind = "CompItem";
        constructor(name, width, height, pixelAspect, duration, frameRate) {
            super();
            Object.assign(this, { name, width, height, pixelAspect, duration, frameRate, stack: [], time: 0, displayStartTime: 0 });
            Object.assign(this, { workAreaStart: 0, workAreaDuration: duration, resolutionFactor: [1, 1] });
        }
        get host() { return host; }
        get frameDuration() { return 1 / this.frameRate; }
        get numLayers() { return this.stack.length; }
        get layers() { return new LayerCollection(this); }
        get selectedLayers() { return this.stack.filter((layer) => layer.selected); }
        get hasAudio() { return this.stack.some((layer) => layer.hasAudio && layer.audioEnabled); }
        /** The layers whose picture a render shows, the topmost first. */
        visible({ guides = false, solos = true } = {}) {
            const alone = solos && this.stack.some((layer) => layer.solo);
            return this.stack.filter((layer) => layer.enabled && (!alone || layer.solo) && (guides || !layer.guideLayer));
        }
        get audible() { return this.stack.filter((layer) => layer.hasAudio && layer.audioEnabled); }
        layer(which) {
            const found = typeof which === "number" ? this.stack[which - 1] : this.stack.find((layer) => layer.name === which);
            if (!found) throw new Error(`After Effects error: no layer ${which}.`);
            return found;
        }
        /** The same layers in a comp of their own; what named one of them names its copy. */
        duplicate() {
            const copy = host.keep(new CompItem(`${this.name} 2`, this.width, this.height, this.pixelAspect, this.duration, this.frameRate));
            for (const key of ["time", "displayStartTime", "workAreaStart", "workAreaDuration", "resolutionFactor", "parentFolder"]) copy[key] = this[key];
            copy.stack = this.stack.map((layer) => layer.copyInto(copy));
            const twin = (layer) => (layer ? copy.stack[this.stack.indexOf(layer)] ?? null : null);
            this.stack.forEach((layer, i) => {
                Object.assign(copy.stack[i], { parentLayer: twin(layer.parentLayer), selected: false });
                if (!layer.groups) return;
                copy.stack[i].matteLayer = twin(layer.matteLayer);
                layer.groups[2].children.forEach((effect, k) => { copy.stack[i].groups[2].children[k].layer = twin(effect.layer); });
            });
            return copy;
        }
    }
    return { CompItem };
}
