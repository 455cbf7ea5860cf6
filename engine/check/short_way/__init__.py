"""Dense networks differenced in as few operations as there are, where all is plain.

`entrance` goes it: what is known before a number is seen (`stack`, of its layers: `layer`), `numbers` back from the loss
(`endings`), and a `guard` that moves the network itself, along directions and by single coordinates (`sample`).
"""
