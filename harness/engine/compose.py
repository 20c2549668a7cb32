from harness.engine.pod import Pod


class Attached(Pod):
    pass
