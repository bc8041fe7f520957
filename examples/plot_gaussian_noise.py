"""What Gaussian noise looks like
==============================

Add Gaussian noise of three levels to an image, and compare its histogram with its density.

The level of the noise is its standard deviation, sigma; its mean is 0. A value z then has the
density

    p(z) = exp(-z^2 / (2 sigma^2)) / (sigma sqrt(2 pi)),

a bell around 0: some 68% of the values lie within one sigma of it, 95% within two. Here every
pixel of a photograph, whose grey is between 0 (black) and 1 (white), gets a value of its own.

What is seen: noise of 0.03 can hardly be seen. With 0.1 each pixel is wrong, and the eye is not
deceived: it takes many pixels together, and the errors are independent and cancel. With 0.3 only
the large shapes are left. A network that is to fit its training data whatever the noise has to do
the same: it cannot rest on the exact value of any one input. The peaks in the histogram of the
pixels flatten, as it becomes that of the image, smeared by the bell.

The figure goes to ``examples/figures/gaussian_noise.png``.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from _common import COLORS, save
from scipy.stats import norm
from sklearn.datasets import load_sample_image

LEVELS = [0.03, 0.1, 0.3]


def load_grey() -> np.ndarray:
    """Give a part of the photograph in shades of grey, from 0 to 1."""
    return load_sample_image("china.jpg")[40:240, 100:400].mean(axis=2) / 255


def describe(noises: dict[float, np.ndarray]) -> None:
    print(f"{'level':>5s}  {'mean':>8s}  {'deviation':>9s}  within 1 and 2 levels")
    for level, noise in noises.items():
        within = "  ".join(f"{(abs(noise) < n * level).mean():.1%}" for n in (1, 2))
        print(f"{level:5g}  {noise.mean():+8.4f}  {noise.std():9.4f}  {within}")
    print(
        f"{'':26s}  {norm.cdf(1) - norm.cdf(-1):.1%}  {norm.cdf(2) - norm.cdf(-2):.1%}, in theory"
    )


def plot(grey: np.ndarray, noises: dict[float, np.ndarray]) -> plt.Figure:
    fig, axes = plt.subplots(3, 4, figsize=(11, 6.6), layout="constrained", sharey="row")
    columns = [
        ("no noise", grey),
        *((f"noise of {level:g}", grey + z) for level, z in noises.items()),
    ]
    for (title, pixels), (image, histogram, _) in zip(columns, axes.T, strict=True):
        image.imshow(pixels, cmap="gray", vmin=0, vmax=1)
        image.set(title=title, xticks=[], yticks=[])
        histogram.hist(pixels.ravel(), bins=80, range=(-1, 2), density=True, color=COLORS[0])
        histogram.set_xlabel("grey of the pixels")
    for (level, noise), ax, color in zip(noises.items(), axes[2, 1:], COLORS[1:], strict=False):
        x = np.linspace(-1, 1, 401)
        ax.hist(noise.ravel(), bins=81, range=(-1, 1), density=True, color=color, alpha=0.4)
        ax.plot(x, norm.pdf(x, scale=level), color=color, lw=1.3)
        ax.set(xlabel="noise", yscale="log", ylim=(1e-2, 30))
        ax.set_title(f"mean {noise.mean():+.4f}, deviation {noise.std():.4f}")
    axes[1, 0].set_ylabel("density")
    axes[2, 1].tick_params(labelleft=True)
    axes[2, 0].axis("off")
    formula = r"$p(z) = \frac{1}{\sigma\sqrt{2\pi}}\,e^{-z^2/(2\sigma^2)}$"
    axes[2, 0].text(
        0.5, 0.6, formula, ha="center", va="center", size=15, transform=axes[2, 0].transAxes
    )
    text = "lines: this density (log scale)\nareas: the noise that was added"
    axes[2, 0].text(0.5, 0.2, text, ha="center", va="center", transform=axes[2, 0].transAxes)
    return fig


def main() -> None:
    """Draw, print and plot."""
    grey = load_grey()
    rng = np.random.default_rng(0)
    noises = {level: rng.normal(scale=level, size=grey.shape) for level in LEVELS}
    describe(noises)
    save(plot(grey, noises), "gaussian_noise")


if __name__ == "__main__":
    main()
