from __future__ import annotations

import pytest
import torch

from sinefit.networks.network import Network
from sinefit.networks.sine import SINE, bias_name, weight_name
from sinefit.networks.size import NetworkSize
from sinefit.theory.tangent_kernel import TangentKernel, eigenpairs, leading_eigenpairs

from .making import drawn, line, tiny

SIZES = [NetworkSize(2, 5, 3, 1), NetworkSize(1, 4, 1, 1), NetworkSize(3, 4, 2, 3)]


def explicit(
    network: Network, x: torch.Tensor, scales: dict[str, float] | None = None
) -> torch.Tensor:
    """J Jᵀ of the Jacobian by all parameters, mean over the outputs (points, points)."""
    rows = []
    for sample in x:
        for output in range(network.size.out_features):
            values = network.values.clone().requires_grad_()
            found = Network(SINE, network.size, values)(sample[None, None])[0, 0, output]
            (gradient,) = torch.autograd.grad(found, values)
            factors = torch.ones_like(gradient)
            for name, view in Network(SINE, network.size, factors).parameters.items():
                view *= (scales or {}).get(name, 1.0)
            rows.append((gradient * factors)[0])
    outputs = network.size.out_features
    jacobian = torch.stack(rows).reshape(len(x), outputs, -1)  # (points, outputs, parameters)
    return torch.einsum("xop,yop->xy", jacobian, jacobian) / network.size.out_features


@pytest.mark.parametrize("size", SIZES)
def test_it_is_the_product_of_jacobians(size: NetworkSize) -> None:
    network = tiny(size)
    x = torch.rand((7, size.in_features), dtype=torch.float64) * 2 - 1
    kernel = TangentKernel(network, x)
    expected = explicit(network, x)
    torch.testing.assert_close(kernel.matrix(), expected)
    vectors = torch.rand((7, 3), dtype=torch.float64)
    torch.testing.assert_close(kernel.times(vectors), expected @ vectors)
    torch.testing.assert_close(kernel.diagonal_by_layer().sum(dim=0), expected.diagonal())
    assert kernel.mean_eigenvalue() == pytest.approx(float(torch.linalg.eigvalsh(expected).mean()))


def test_scales_are_factors_on_weights() -> None:
    network = tiny(NetworkSize(2, 5, 2, 1))
    x = torch.rand((6, 2), dtype=torch.float64)
    scales = {weight_name(0): 0.0, bias_name(0): 3.0, weight_name(1): 30.0, bias_name(2): 2.0}
    kernel = TangentKernel(network, x, scales)
    torch.testing.assert_close(kernel.matrix(), explicit(network, x, scales))


def test_a_scale_per_column_is_one_of_the_coordinates() -> None:
    network = tiny(NetworkSize(2, 5, 1, 1))
    x = torch.rand((6, 2), dtype=torch.float64)
    only = dict.fromkeys(network.parameters, 0.0)
    columns = torch.tensor([2.0, 5.0], dtype=torch.float64)
    both = TangentKernel(network, x, {**only, weight_name(0): columns}).matrix()
    parts = [
        TangentKernel(
            network,
            x,
            {
                **only,
                weight_name(0): torch.eye(2, dtype=torch.float64)[axis] * float(columns[axis]),
            },
        ).matrix()
        for axis in range(2)
    ]
    torch.testing.assert_close(both, parts[0] + parts[1])
    # A column's part is the kernel of the slopes times the product of both coordinates.
    assert float(both[0, 0]) > 0.0


def test_a_layers_diagonal_is_its_gradients_squared_norm() -> None:
    network = tiny(NetworkSize(2, 5, 2, 1))
    x = torch.rand((3, 2), dtype=torch.float64)
    found = TangentKernel(network, x).diagonal_by_layer()
    for layer in range(3):
        only = {
            name: float(name in (weight_name(layer), bias_name(layer)))
            for name in network.parameters
        }
        torch.testing.assert_close(found[layer], explicit(network, x, only).diagonal())


def test_eigenpairs_come_largest_first() -> None:
    matrix = TangentKernel(tiny(NetworkSize(1, 5, 2, 1)), line(12)).matrix()
    values, vectors = eigenpairs(matrix, 4)
    assert len(values) == 12
    assert (values.diff() <= 0).all()
    torch.testing.assert_close(matrix @ vectors, vectors * values[:4])


def test_leading_pairs_without_the_matrix() -> None:
    kernel = TangentKernel(drawn("lambert", width=32, depth=3), line(400))
    exact, vectors = eigenpairs(kernel.matrix(), 6)
    generator = torch.Generator().manual_seed(1)
    values, found = leading_eigenpairs(kernel, 6, generator, rounds=12)
    torch.testing.assert_close(values, exact[:6], rtol=1e-6, atol=0.0)
    for column in range(6):
        assert abs(float(vectors[:, column] @ found[:, column])) == pytest.approx(1.0, abs=1e-5)


def test_leading_pairs_of_a_kernel_without_rank() -> None:
    # A single sine neuron has five parameters, and its kernel at most as many eigenvalues.
    kernel = TangentKernel(tiny(NetworkSize(1, 1, 1, 1)), line(40))
    values, _ = leading_eigenpairs(kernel, 8, torch.Generator().manual_seed(0))
    exact = torch.linalg.eigvalsh(kernel.matrix()).flip(0)
    torch.testing.assert_close(values, exact[: len(values)], rtol=1e-6, atol=1e-9)
