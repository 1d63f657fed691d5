//! Work side by side: address spaces, and the parts of their code.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What a function makes of each item, in their order, on as many threads.
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else {
                return done;
            };
            done.push((number, work(item)));
        }
    };
    let threads = threads.clamp(1, items.len().max(1));
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        let mut done = worker();
        for other in others {
            match other.join() {
                Ok(part) => done.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_however_long_each_takes() {
        let items: Vec<u64> = (0..100).collect();
        for threads in [0, 1, 3, 200] {
            let doubled = map(&items, threads, |item| {
                std::thread::sleep(std::time::Duration::from_micros(item * 7 % 13));
                item * 2
            });
            assert!(
                doubled
                    .iter()
                    .zip(&items)
                    .all(|(double, item)| *double == item * 2)
            );
            assert_eq!(doubled.len(), items.len());
        }
        assert!(map(&items[..0], 4, |item| *item).is_empty());
    }
}
