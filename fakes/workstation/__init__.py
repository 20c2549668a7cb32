"""What an operator's workstation holds of each platform, as data, and the cloud that its commands reach.

    <platform>/checkout/    the files of the repository; `dot.env` is `.env`, `env.py.in` is `env.py`
    <platform>/earlier/N/   what files were in the commits that say `earlier = "N"`
    <platform>/history.toml the repository's commits
    <platform>/root/        what lies at the root of the machine: /scripts, /migrations ...

`harness/respond/checkout.py` makes a real repository of it.
"""
