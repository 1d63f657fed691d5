//! Paths through a graph of instructions: which features none of them can do without.

use hashbrown::{HashMap, HashSet};

use super::inevitable::{Node, Place};
use crate::arm::Isa;
use crate::feature::{Feature, FeatureSet};

type Graph = HashMap<Place, Node>;

/// Instructions that are named for one feature of one function.
const MAX_PLACES: usize = 64;

/// Instructions with features that every way through the graph needs.
pub(super) fn inevitable_in(graph: &Graph, start: Place) -> Vec<(u32, Isa, FeatureSet)> {
    let used = |node: &Node| {
        let needs = node.inevitable.iter().map(|(.., needs)| *needs);
        needs.fold(FeatureSet::EMPTY, FeatureSet::union)
    };
    let all = graph
        .values()
        .fold(FeatureSet::EMPTY, |set, node| set.union(used(node)));
    if all.is_empty() {
        return Vec::new();
    }
    let endless = endless(graph, start);
    let mut found = Vec::new();
    for feature in all.iter() {
        let mut met = met(graph, start, &endless, feature);
        // Callers take over what their callees report: without a bound it would grow with every level.
        met.sort_unstable_by_key(|(addr, isa, _)| (*addr, *isa));
        met.dedup();
        met.truncate(MAX_PLACES);
        found.extend(met);
    }
    found.sort_unstable_by_key(|(addr, isa, _)| (*addr, *isa));
    found
}

/// The instructions with a feature that the ways from the start meet first; none if a way avoids the feature.
fn met(
    graph: &Graph,
    start: Place,
    endless: &HashSet<Place>,
    feature: Feature,
) -> Vec<(u32, Isa, FeatureSet)> {
    let mut met = Vec::new();
    // Depth first with an explicit stack: a place on the current path that is met again closes a loop.
    let (mut on_path, mut done) = (HashSet::new(), HashSet::new());
    let mut stack = vec![(start, 0)];
    while let Some((place, child)) = stack.pop() {
        let Some(node) = graph.get(&place) else {
            return Vec::new();
        };
        if child == 0 {
            let has = node.inevitable.iter().filter(|(.., set)| set.has(feature));
            let before = met.len();
            met.extend(has.map(|(addr, isa, _)| (*addr, *isa, FeatureSet::one(feature))));
            if met.len() > before {
                done.insert(place);
                continue;
            }
            if node.exit {
                return Vec::new();
            }
            on_path.insert(place);
        }
        let Some(next) = node.next.get(child) else {
            on_path.remove(&place);
            done.insert(place);
            continue;
        };
        stack.push((place, child + 1));
        if on_path.contains(next) {
            if endless.contains(next) {
                return Vec::new();
            }
        } else if !done.contains(next) {
            stack.push((*next, 0));
        }
    }
    met
}

/// Places of loops that have no way out (Tarjan's strongly connected components).
fn endless(graph: &Graph, start: Place) -> HashSet<Place> {
    let mut endless = HashSet::new();
    let mut order: HashMap<Place, (usize, usize)> = HashMap::new();
    let (mut open, mut is_open) = (Vec::new(), HashSet::new());
    let mut stack = vec![(start, 0)];
    while let Some((place, child)) = stack.pop() {
        if child == 0 {
            let number = order.len();
            order.insert(place, (number, number));
            open.push(place);
            is_open.insert(place);
        }
        let next = graph.get(&place).and_then(|node| node.next.get(child));
        let Some(next) = next else {
            let (number, low) = order.get(&place).copied().unwrap_or_default();
            if number == low {
                let from = open.iter().rposition(|at| *at == place).unwrap_or(0);
                let component: HashSet<Place> = open.drain(from..).collect();
                for at in &component {
                    is_open.remove(at);
                }
                if has_no_way_out(graph, &component) {
                    endless.extend(component);
                }
            }
            if let Some((parent, _)) = stack.last() {
                lower(&mut order, *parent, low);
            }
            continue;
        };
        stack.push((place, child + 1));
        match order.get(next).copied() {
            None => stack.push((*next, 0)),
            Some((number, _)) if is_open.contains(next) => lower(&mut order, place, number),
            Some(_) => {}
        }
    }
    endless
}

fn lower(order: &mut HashMap<Place, (usize, usize)>, place: Place, low: usize) {
    if let Some((_, known)) = order.get_mut(&place) {
        *known = low.min(*known);
    }
}

fn has_no_way_out(graph: &Graph, component: &HashSet<Place>) -> bool {
    component.iter().all(|place| {
        graph
            .get(place)
            .is_some_and(|node| !node.exit && node.next.iter().all(|next| component.contains(next)))
    })
}
