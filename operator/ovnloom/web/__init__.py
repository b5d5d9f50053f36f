"""`ovnloom web`: a page that shows the network as it is, live. It only reads.

watches ──> feed ──> pipeline ──> picture ──> changes as Server-Sent Events ──> static/*.js
northbound ──┘          │
                        └──> details, verdicts: when somebody clicks
"""
