"""Evaluation of networks on any grid."""
