"""REINFORCE (Williams 1992) and DQN (Mnih et al. 2015) on a corridor: who leaves it at the right is paid.

    python examples/reinforcement.py
"""

from __future__ import annotations

import copy

import numpy as np

import subgrad as sg

LENGTH, LIMIT, DISCOUNT = 7, 20, 0.9
LEFT, RIGHT = 0, 1


def seen(place: np.ndarray) -> np.ndarray:
    """Places as a network sees them."""
    return np.eye(LENGTH, dtype=np.float32)[place]


def moved(place: np.ndarray, action: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The places after a step, the rewards, and which walks are over: at either end."""
    there = place + np.where(action == RIGHT, 1, -1)
    return there, (there == LENGTH - 1).astype(np.float32), (there == 0) | (there == LENGTH - 1)


def reinforce(episodes: int = 40, walkers: int = 32) -> float:
    """A policy that is trained on whole walks; the share of walks to the right end, of the last ones."""
    sg.manual_seed(0)
    policy, adam = sg.models.mlp(LENGTH, 16, 2, activation="tanh", seed=0), sg.Adam(0.02)
    act = sg.compile(lambda x: sg.random.categorical(policy(x)))

    @sg.compile
    def step(x, action, worth, state):
        chances = sg.log_softmax(policy(x))
        taken = sg.take_along_axis(chances, sg.expand_dims(action, 1), axis=1)[:, 0]
        loss = -(taken * worth).mean()
        return sg.update(policy, sg.grad(loss, policy), adam, state)

    state, arrived = adam.init(policy), 0.0
    for _ in range(episodes):
        place, going = np.full(walkers, LENGTH // 2), np.ones(walkers, bool)
        steps, arrived = [], 0.0
        for _ in range(LIMIT):
            action = np.asarray(act(seen(place)))
            there, reward, over = moved(place, action)
            steps.append((place, action, reward * going, going))
            arrived += float((reward * going).sum()) / walkers
            place, going = np.where(going, there, place), going & ~over
        worth = np.zeros((LIMIT, walkers), np.float32)
        later = np.zeros(walkers, np.float32)
        for t in reversed(range(LIMIT)):
            later = worth[t] = steps[t][2] + DISCOUNT * later
        places, actions, _, alive = (np.stack(part) for part in zip(*steps, strict=True))
        advantage = (worth - worth[alive].mean()) * alive
        state = step(seen(places.ravel()), actions.ravel(), advantage.ravel(), state)
    return arrived


def dqn(steps: int = 400, walkers: int = 16) -> np.ndarray:
    """The values of both actions at each place, learnt from walks at random, with a target network."""
    rng = np.random.default_rng(0)
    values, adam = sg.models.mlp(LENGTH, 32, 2, seed=1), sg.Adam(0.01)
    target = copy.deepcopy(values)

    @sg.compile
    def step(x, action, reward, after, over, state):
        best = target(after).max(axis=1)
        aim = sg.stop_gradient(reward + DISCOUNT * sg.where(over, 0, best))
        taken = sg.take_along_axis(values(x), sg.expand_dims(action, 1), axis=1)[:, 0]
        loss = sg.nn.huber_loss(taken, aim)
        return loss, sg.update(values, sg.grad(loss, values), adam, state)

    state = adam.init(values)
    for i in range(steps):
        place, action = rng.integers(1, LENGTH - 1, walkers), rng.integers(0, 2, walkers)
        there, reward, over = moved(place, action)
        _, state = step(seen(place), action, reward, seen(there), over, state)
        if i % 20 == 19:
            target.load_state_dict(values.state_dict())
    return sg.predict(values, seen(np.arange(LENGTH)))


def main() -> tuple[float, np.ndarray]:
    arrived, values = reinforce(), dqn()
    print(f"REINFORCE: {arrived:.0%} of the walks end at the right")
    print("DQN, values of going right:", np.round(values[1:-1, RIGHT], 2).tolist())
    print("the truth:                 ", [round(DISCOUNT ** (LENGTH - 2 - i), 2) for i in range(1, LENGTH - 1)])
    return arrived, values


if __name__ == "__main__":
    main()
