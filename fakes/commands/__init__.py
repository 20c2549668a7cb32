"""The commands that runbooks call and that this machine may lack, as small programs that act on the stack of a drill.

A stand-in acts through the control API and the services' own endpoints, never on the machine. What the real tool
refuses, its stand-in refuses in the same words and with the same exit code; what the real tool can and the stand-in
can't is refused in the stand-in's own words with exit code 3. No answer is made up: each comes from the stack.
"""
