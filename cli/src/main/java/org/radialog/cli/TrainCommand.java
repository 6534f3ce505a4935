package org.radialog.cli;

final class TrainCommand {}
