"""``subgrad train digits --robust``: what is proven of the network, and where that is not for."""

import re

from command import misuse, succeed


def test_the_verified_accuracy_is_told_and_kept(tmp_path):
    out = tmp_path / "digits.safetensors"
    small = ["--epochs", 4, "--hidden", 8, "--out", out]
    said = succeed("train", "digits", "--robust", 0.02, *small)
    line = re.search(r"Pixels off by up to 0\.02: .*", said)[0]
    verified, attacked, plain = map(float, re.findall(r"(?:accuracy|PGD\)|are) ([\d.]+)", line))
    assert 0.2 < verified <= attacked <= plain
    shown = succeed("show", out)
    assert line in shown
    assert "cross_entropy of the worst scores within 0.02 (CROWN-IBP)" in shown
    assert "Pixels off" not in succeed("train", "digits", "--robust", 0.02, "--test", 0, *small)


def test_robust_is_for_scores_of_classes_of_images():
    assert "has the loss cross_entropy" in misuse("train", "digits", "--robust", 0.1, "--loss", "hinge")
    assert "is for --model mlp" in misuse("train", "fashion-mnist", "--robust", 0.1, "--model", "lenet")
    assert "is for `subgrad train digits` and" in misuse("train", "t.csv", "--target", "y", "--robust", 0.1)
