use core::sync::atomic::{AtomicBool, Ordering};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, Thread},
};

/// Lets one caller in at a time, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<Queue>);

/// While it lives, nobody else has a turn.
#[derive(Debug)]
pub(super) struct Turn<'a>(&'a Turns);

#[derive(Debug, Default)]
struct Queue {
    is_taken: bool,
    waiting: VecDeque<Arc<Waiter>>,
}

#[derive(Debug)]
struct Waiter {
    thread: Thread,
    has_turn: AtomicBool,
}

impl Turns {
    /// Waits until everyone who came before has had a turn.
    ///
    /// The caller must not have one already: it would wait for itself.
    pub(super) fn wait(&self) -> Turn<'_> {
        let waiter = {
            let mut queue = self.queue();
            if !queue.is_taken {
                queue.is_taken = true;
                return Turn(self);
            }
            let waiter =
                Arc::new(Waiter { thread: thread::current(), has_turn: AtomicBool::new(false) });
            queue.waiting.push_back(Arc::clone(&waiter));
            waiter
        };
        // A thread may be woken for no reason.
        while !waiter.has_turn.load(Ordering::Acquire) {
            thread::park();
        }
        Turn(self)
    }

    /// How many callers wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.queue().waiting.len()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while the queue is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    /// Hands the turn to the next: also where the work has panicked.
    fn drop(&mut self) {
        let next = {
            let mut queue = self.0.queue();
            let next = queue.waiting.pop_front();
            queue.is_taken = next.is_some();
            next
        };
        if let Some(waiter) = next {
            waiter.has_turn.store(true, Ordering::Release);
            waiter.thread.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_in_order_and_one_at_a_time() {
        let (turns, order) = (Turns::default(), Mutex::new(Vec::new()));
        let first = turns.wait();
        thread::scope(|scope| {
            for caller in 0..8 {
                let (turns, order) = (&turns, &order);
                scope.spawn(move || {
                    let _turn = turns.wait();
                    // Nobody else is here.
                    order.try_lock().unwrap().push(caller);
                });
                while turns.waiting() <= caller {
                    thread::yield_now();
                }
            }
            assert!(order.lock().unwrap().is_empty());
            drop(first);
        });
        assert_eq!(order.into_inner().unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
        drop(turns.wait());
    }

    #[test]
    fn work_that_panics_ends_its_turn() {
        let turns = Turns::default();
        thread::scope(|scope| {
            let broken = scope.spawn(|| {
                let _turn = turns.wait();
                panic!("the work fails");
            });
            assert!(broken.join().is_err());
        });
        drop(turns.wait());
    }
}
